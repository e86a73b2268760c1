"""Simulated studies with known truth, many at a time.

model.py     what a study is, its true success, and its outcomes
batch.py     the crossed t of many studies at once, as `fedarm.stats` computes it of one
verdicts.py  intervals and verdicts of many studies, with the fallback of `fedarm.stats.comparison`
"""
