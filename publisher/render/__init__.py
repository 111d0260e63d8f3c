"""Model in, bytes out: editions, plates, messages, feeds and pages. Pure; opens no socket, reads only templates."""
