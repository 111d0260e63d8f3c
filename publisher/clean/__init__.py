"""What comes in made right and safe: characters, addresses, dates, HTML, articles. Pure."""
