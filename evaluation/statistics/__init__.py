"""Intervals, paired differences, power and multiple tests, after Miller 2024 ("Adding error bars").

Items are a sample of the questions that could have been asked; two systems are compared item by
item.
"""
