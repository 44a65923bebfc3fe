"""The report: one HTML file that opens offline."""

from offbeat.report.page import write_report

__all__ = ["write_report"]
