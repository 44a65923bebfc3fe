"""Slow, obviously right twins of the metrics."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from offbeat.runs import label_runs


def vus(y_true, score, buffer: int, thresholds: int = 250) -> tuple[float, float]:
    """Every buffer and every threshold on its own: areas under ROC and precision-recall."""
    n_rows, events = len(y_true), [tuple(each) for each in label_runs(y_true)]
    cuts = np.sort(score)[::-1][np.linspace(0, n_rows - 1, thresholds).astype(int)]
    rocs, prs = [], []
    for width in range(buffer + 1):
        soft = soft_label(y_true, events, width)
        regions = joined(events, width, n_rows)
        points, precisions = [(0.0, 0.0)], []
        for cut in cuts:
            flagged = score >= cut
            seen = np.where(np.asarray(y_true) == 1, 1.0, soft * flagged)
            hits = float((seen * flagged).sum())
            positives = (float(np.sum(y_true)) + float(seen.sum())) / 2
            share = np.mean([flagged[a:b].any() for a, b in regions])
            recall = min(hits / positives, 1.0) * share
            points.append(((flagged.sum() - hits) / (n_rows - positives), recall))
            precisions.append(hits / flagged.sum())
        recalls = np.array([recall for _, recall in points])
        prs.append(float(np.diff(recalls) @ np.array(precisions)))
        points.append((1.0, 1.0))
        x, y = np.array(points).T
        rocs.append(float(np.diff(x) @ (y[1:] + y[:-1]) / 2))
    return float(np.mean(rocs)), float(np.mean(prs))


def soft_label(y_true, events, width: int):
    soft = np.asarray(y_true, dtype=float).copy()
    for start, end in events:
        for away in range(1, width // 2 + 1):
            for row in (start - away, end - 1 + away):
                if 0 <= row < len(soft):
                    soft[row] += np.sqrt(1 - away / width)
    return np.minimum(soft, 1.0)


def joined(events, width: int, n_rows: int):
    half, regions = width // 2, []
    for start, end in events:
        if regions and regions[-1][1] - 1 >= start - half:
            regions[-1] = (regions[-1][0], end + half)
        else:
            regions.append((start - half, end + half))
    return [(max(a, 0), min(b, n_rows)) for a, b in regions]


def affiliation(y_true, label, parts: int = 64) -> tuple[float, float]:
    """Precision and recall by brute force over moments: each row is cut into many parts."""
    moments = (np.arange(len(y_true) * parts) + 0.5) / parts
    true = np.repeat(np.asarray(y_true) == 1, parts)
    flags = np.repeat(np.asarray(label) == 1, parts)
    events = label_runs(y_true)
    middles = [(a[1] + b[0]) / 2 for a, b in pairwise(events)]
    borders = [0.0, *middles, float(len(y_true))]
    precisions, recalls = [], []
    for (start, end), low, high in zip(events, borders[:-1], borders[1:], strict=True):
        zone = (moments > low) & (moments < high)
        flagged = moments[zone & flags]
        if len(flagged):
            everywhere = outside(moments[zone], start, end)
            off = outside(flagged, start, end)
            chances = [1.0 if far == 0 else np.mean(everywhere > far) for far in off]
            precisions.append(np.mean(chances))
        chances = []
        for x in moments[zone & true]:
            nearest = np.abs(flagged - x).min() if len(flagged) else np.inf
            chances.append(np.mean(np.abs(moments[zone] - x) >= nearest))
        recalls.append(np.mean(chances))
    return float(np.mean(precisions)) if precisions else 1.0, float(np.mean(recalls))


def outside(moments, start: float, end: float):
    return np.maximum(np.maximum(start - moments, moments - end), 0.0)
