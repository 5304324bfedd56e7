"""Workers on Dramatiq: a broker's messages wake them, and say nothing but which job there is work for."""
