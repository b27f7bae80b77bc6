"""What a container is connected with: names, networks, devices, agents, the caller's terminal."""
