"""Drift: whether what a model is sent, and what it answers, is still distributed as what it was trained on.

    training pictures, rows of a batch ──baseline──> baseline.json ─┐
    SageMaker's captured lines ──────────────check──────────────────┴─> drift.json, a metric ──plot──> drift.png

It runs in a model's own image, as a SageMaker processing job: a picture's statistics need Pillow, which no Lambda
handler has, and the image's decoder sees a picture as the model did.
"""
