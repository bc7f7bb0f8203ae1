"""The optimizer and its learning rate, as a pipeline.config says them and where it does not."""

from typing import Any

import keras

from models.object_detection.fields import Fields

_LEARNING_RATE = 2e-3
_CLIP_NORM = 20.0


def default_optimizer(steps: int) -> keras.optimizers.Optimizer:
    """AdamW, whose rate rises in the first twentieth of the `steps` and then falls to nothing along a cosine."""
    rate = keras.optimizers.schedules.CosineDecay(
        _LEARNING_RATE / 10, steps, warmup_target=_LEARNING_RATE, warmup_steps=max(1, steps // 20)
    )
    return keras.optimizers.AdamW(rate, weight_decay=1e-3, global_clipnorm=_CLIP_NORM)


def read_optimizer(fields: Fields) -> keras.optimizers.Optimizer | None:
    """What protos/optimizer.proto describes, or None. Raises ValueError."""
    fields.flag("use_moving_average")
    if fields.has("momentum_optimizer"):
        chosen = fields.child("momentum_optimizer")
        momentum = chosen.number("momentum_optimizer_value", 0.9)
        return keras.optimizers.SGD(_rate(chosen.child("learning_rate")), momentum, global_clipnorm=_CLIP_NORM)
    if fields.has("adam_optimizer"):
        chosen = fields.child("adam_optimizer")
        epsilon = chosen.number("epsilon", 1e-8)
        return keras.optimizers.Adam(_rate(chosen.child("learning_rate")), epsilon=epsilon, global_clipnorm=_CLIP_NORM)
    if fields.has("rms_prop_optimizer"):
        chosen = fields.child("rms_prop_optimizer")
        return keras.optimizers.RMSprop(
            _rate(chosen.child("learning_rate")),
            rho=chosen.number("decay", 0.9),
            momentum=chosen.number("momentum_optimizer_value", 0.9),
            epsilon=chosen.number("epsilon", 1.0),
            global_clipnorm=_CLIP_NORM,
        )
    return None


def _rate(fields: Fields) -> Any:
    """A number or a schedule of Keras; the defaults are those of protos/optimizer.proto."""
    schedules = keras.optimizers.schedules
    if fields.has("exponential_decay_learning_rate"):
        said = fields.child("exponential_decay_learning_rate")
        return schedules.ExponentialDecay(
            said.number("initial_learning_rate", 0.002),
            said.whole("decay_steps") or 4_000_000,
            said.number("decay_factor", 0.95),
            staircase=said.flag("staircase") or not said.has("staircase"),
        )
    if fields.has("cosine_decay_learning_rate"):
        return _cosine(fields.child("cosine_decay_learning_rate"))
    if fields.has("manual_step_learning_rate"):
        said = fields.child("manual_step_learning_rate")
        stages = said.named("schedule")
        rates = [said.number("initial_learning_rate", 0.002), *(one.number("learning_rate", 0.002) for one in stages)]
        return schedules.PiecewiseConstantDecay([one.whole("step") or 1 for one in stages], rates)
    return fields.child("constant_learning_rate").number("learning_rate", 0.002)


def _cosine(said: Fields) -> Any:
    base, steps = said.number("learning_rate_base", 0.002), said.whole("total_steps") or 4_000_000
    warmup = said.whole("warmup_steps", least=0)
    warmup = 10_000 if warmup is None else warmup
    begin = said.number("warmup_learning_rate", 0.0002)
    if warmup >= steps:
        raise ValueError(f"cosine_decay_learning_rate has {warmup} warmup_steps of {steps} total_steps; give fewer")
    if not warmup:
        return keras.optimizers.schedules.CosineDecay(base, steps)
    return keras.optimizers.schedules.CosineDecay(begin, steps - warmup, warmup_target=base, warmup_steps=warmup)
