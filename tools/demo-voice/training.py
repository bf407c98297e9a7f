"""What the training stages have in common: their options and their loop."""

import argparse
from pathlib import Path

import numpy as np
import torch

from checkpoints import learning_rate

LOG_EVERY, VALIDATE_EVERY = 100, 500  # steps
LEAST_RATE = 0.02  # of the peak, at the end


def arguments(description, run, steps, peak_rate, batch=None):
    """The options of a stage; threads and seed are set."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--run", default=run, help="folder of the run, inside WORK")
    parser.add_argument("--steps", type=int, default=steps)
    if batch is not None:
        parser.add_argument("--batch", type=int, default=batch)
    parser.add_argument("--peak-rate", type=float, default=peak_rate)
    parser.add_argument("--decay-from", type=float, default=0.3)
    parser.add_argument("--start", type=Path, help="exported checkpoint to begin with instead of random weights")
    parser.add_argument("--first-step", type=int, default=0, help="where in the schedule the run begins")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    return args


def train(run, args, warm_up, clip, loss_at, validate):
    """Train to the last step.

    loss_at(step) gives the loss and, by name, what is to be logged of it; validate(model) gives figures of the averaged
    model.
    """
    print(f"{sum(p.numel() for p in run.model.parameters()):,} trained parameters, from step {run.step}", flush=True)
    recent = []
    while run.step < args.steps:
        rate = learning_rate(run.step, args.steps, args.peak_rate, warm_up, args.decay_from, LEAST_RATE, args.first_step)
        for group in run.optimiser.param_groups:
            group["lr"] = rate
        loss, values = loss_at(run.step)
        recent.append(values | {"gradient": run.advance(loss, clip)})
        if run.step % LOG_EVERY == 0:
            means = {name: float(np.mean([values[name] for values in recent])) for name in recent[0]}
            extra = validate(run.average.model) if run.step % VALIDATE_EVERY == 0 else {}
            run.log(**means, rate=rate, **extra)
            recent.clear()
        run.save_when_due()
    run.save()
