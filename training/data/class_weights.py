"""How much an example counts, so that a rare label is learnt as well as a frequent one."""

import numpy as np
from numpy.typing import NDArray


def class_weights(labels: NDArray[np.int64], count: int) -> NDArray[np.float32]:
    """n / (count * n of the label) for each of `count` labels: rare ones count as much as frequent ones together.

    G. King and L. Zeng, "Logistic Regression in Rare Events Data", 2001; scikit-learn calls it "balanced".
    """
    weights: NDArray[np.float32] = (len(labels) / (count * np.bincount(labels, minlength=count))).astype(np.float32)
    return weights
