"""What every adapter does on its link: who answers, what is set, read back and watched, and coming to rest."""
