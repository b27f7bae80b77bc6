"""What ``import jettison`` gives: builds and containers as calls, with progress and messages."""
