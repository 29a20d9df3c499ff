"""Stanford Research Systems SR620 universal time interval counter."""
