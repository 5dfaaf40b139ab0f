"""Pages about piles: functions from plain data to one HTML page that asks for nothing outside itself."""
