"""The training of the demonstration: SPOTER, fitted to drawn clips. It says how far it is."""

from collections.abc import Iterator

import numpy as np
import torch
from tqdm import tqdm

from models.sign_language.clips import GLOSSES
from models.sign_language.dataset import Dataset
from models.sign_language.fitting import BATCH_CLIPS, FEED_FORWARD, FEWEST_FRAMES, MOST_FRAMES, Fitting, thinned
from sign_language.networks.spoter import Spoter

THREADS = 1


def fit_network(training: Dataset, epochs: int, seed: int) -> Spoter:
    """The network, trained; the seed fixes its start and the batches."""
    torch.manual_seed(seed)
    torch.set_num_threads(THREADS)
    steps = epochs * -(-len(training.labels) // BATCH_CLIPS)
    fitting = Fitting(Spoter(len(GLOSSES), FEED_FORWARD), steps)
    with tqdm(total=steps, desc="training", unit="batch") as bar:
        for clips, labels in _batches(training, epochs, seed):
            loss = fitting.step(clips, labels)
            bar.set_postfix(loss=f"{loss:.3f}", refresh=False)
            bar.update()
    return fitting.network.eval()


def _batches(training: Dataset, epochs: int, seed: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """All batches of all epochs, in a new order in each: clips [n, frames, 108] and labels [n]."""
    rng = np.random.default_rng(seed)
    for _ in range(epochs):
        order = rng.permutation(len(training.labels))
        for first in range(0, len(order), BATCH_CLIPS):
            chosen = order[first : first + BATCH_CLIPS]
            frames = int(rng.integers(FEWEST_FRAMES, MOST_FRAMES + 1))
            clips = np.stack([thinned(training.clips[number], frames, rng) for number in chosen])
            yield torch.from_numpy(clips).flatten(2), torch.from_numpy(training.labels[chosen])
