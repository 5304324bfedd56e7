"""The HTTP API, the web panel and what runs beside them: jobs, watching, schedules, notices."""
