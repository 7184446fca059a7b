"""The engine that spends money: nothing is lost, nothing is asked twice, no cap is passed."""
