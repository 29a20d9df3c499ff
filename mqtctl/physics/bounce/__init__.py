"""The bounce: the path by which a damped junction tunnels, in closed form, by table and by numbers."""
