"""The tutorial's script: a Keras LSTM over windows of 50, one step ahead."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from frame import measure, padded
from keras import layers
from sklearn.preprocessing import MinMaxScaler

WINDOW = 50


def windows(scaled: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Inputs (N, 50, C) and the row after each, (N, C)."""
    inputs = [scaled[i : i + WINDOW] for i in range(len(scaled) - WINDOW)]
    return np.array(inputs), scaled[WINDOW:]


def fit(rows: np.ndarray) -> Any:
    scaler = MinMaxScaler()
    inputs, targets = windows(scaler.fit_transform(rows))
    model = keras.Sequential(
        [
            keras.Input((WINDOW, rows.shape[1])),
            layers.LSTM(128, activation="relu", return_sequences=True),
            layers.Dropout(0.2),
            layers.LSTM(64, activation="relu"),
            layers.Dropout(0.2),
            layers.Dense(rows.shape[1]),
        ]
    )
    model.compile(optimizer="adam", loss="mse")
    stop = keras.callbacks.EarlyStopping("val_loss", patience=10, restore_best_weights=True)
    model.fit(
        inputs,
        targets,
        epochs=100,
        batch_size=32,
        validation_split=0.1,
        callbacks=[stop],
        verbose=0,
    )
    return scaler, model


def score(fitted: Any, rows: np.ndarray) -> np.ndarray:
    scaler, model = fitted
    inputs, targets = windows(scaler.transform(rows))
    error = np.mean((targets - model.predict(inputs, verbose=0)) ** 2, axis=1)
    return padded(error, len(rows))


if __name__ == "__main__":
    keras.utils.set_random_seed(0)
    measure(fit, score)
