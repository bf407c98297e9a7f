"""State of a training run on disk, so that it can be stopped at any time and go on as if it had not been."""

import copy
import json
import signal
import time

import torch


class Average:
    """Exponential moving average of a model's weights; this is what is evaluated and exported."""

    def __init__(self, model, decay=0.999):
        self.model, self.decay = copy.deepcopy(model).eval(), decay

    @torch.no_grad()
    def update(self, model, step):
        decay = min(self.decay, (step + 1) / (step + 10))
        torch._foreach_lerp_(list(self.model.parameters()), list(model.parameters()), 1 - decay)


class Run:
    """Model, optimiser and step of a run, kept in FOLDER/state.pt, with its curves in FOLDER/curves.jsonl.

    SIGTERM is heeded at the end of the step: the state is saved and the process ends.
    """

    def __init__(self, folder, model, optimiser, first_step=0, save_seconds=120):
        self.folder, self.model, self.optimiser = folder, model, optimiser
        self.save_seconds, self.saved = save_seconds, time.monotonic()
        self.average, self.step, self.cpu_before = Average(model), first_step, 0.0
        self.stopping = False
        signal.signal(signal.SIGTERM, self._stop)
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / "state.pt").exists():
            self._restore()

    def _stop(self, *_):
        self.stopping = True

    def _restore(self):
        state = torch.load(self.folder / "state.pt", weights_only=True)
        self.model.load_state_dict(state["model"])
        self.average.model.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step, self.cpu_before = state["step"], state["cpu_seconds"]
        curves = self.folder / "curves.jsonl"
        if curves.exists():  # forget what was logged after the state was saved
            kept = [line for line in curves.read_text().splitlines() if json.loads(line)["step"] <= self.step]
            curves.write_text("".join(line + "\n" for line in kept))

    def cpu_seconds(self):
        return self.cpu_before + time.process_time()

    def save(self):
        state = {
            "model": self.model.state_dict(),
            "average": self.average.model.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
            "cpu_seconds": self.cpu_seconds(),
        }
        scratch = self.folder / "state.pt.partial"
        torch.save(state, scratch)
        scratch.replace(self.folder / "state.pt")
        self.saved = time.monotonic()

    def advance(self, loss, clip):
        """One optimiser step; returns the gradient norm."""
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), clip)
        self.optimiser.step()
        self.average.update(self.model, self.step)
        self.step += 1
        return float(norm)

    def save_when_due(self):
        if self.stopping or time.monotonic() - self.saved > self.save_seconds:
            self.save()
        if self.stopping:
            raise SystemExit(0)

    def log(self, **values):
        rounded = {key: round(value, 5) if isinstance(value, float) else value for key, value in values.items()}
        line = json.dumps({"step": self.step, "cpu_minutes": round(self.cpu_seconds() / 60, 2), **rounded})
        with (self.folder / "curves.jsonl").open("a") as file:
            file.write(line + "\n")
        print(line, flush=True)


def learning_rate(step, steps, peak, warm_up, decay_from, floor, first_step=0):
    """Linear warm-up from the first step, constant, then linear decay from the given share of all steps to floor * peak."""
    risen = (step - first_step + 1) / warm_up
    left = (steps - step) / (steps * (1 - decay_from))
    return peak * min(1.0, risen, max(floor, left))


def load_average(path, model):
    """Put the averaged weights of a run into the model and return it ready for use."""
    model.load_state_dict(torch.load(path, weights_only=True)["average"])
    return model.eval()
