"""Train the model that the server shows beside the recording at its first start."""

import shutil
from pathlib import Path

from offbeat.lesson import Lesson
from offbeat.workflow import train_file

HERE = Path(__file__).parent
SHOWN = HERE.parents[1] / "src" / "offbeat" / "server" / "example"

if __name__ == "__main__":
    shutil.copy(HERE / "machine.parquet", SHOWN / "machine.parquet")
    fitted = train_file(HERE / "machine.parquet", SHOWN / "machine.offbeat", lesson=Lesson())
    print(f"learned {fitted.n_learned_} rows; cut: {fitted.threshold_.title}")
