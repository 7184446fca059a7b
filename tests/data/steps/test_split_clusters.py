from lokal.data.steps.split_clusters import is_held_out


def test_held_out_rows_are_chosen_by_id_and_seed() -> None:
    ids = [f"row/{number}" for number in range(5000)]
    held = [row_id for row_id in ids if is_held_out(row_id, share=0.1, seed=0)]
    assert 400 < len(held) < 600
    assert held == [row_id for row_id in ids if is_held_out(row_id, share=0.1, seed=0)]
    assert held != [row_id for row_id in ids if is_held_out(row_id, share=0.1, seed=1)]
    assert not any(is_held_out(row_id, share=0, seed=0) for row_id in ids)
