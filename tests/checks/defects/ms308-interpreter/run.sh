#!/usr/local/bin/ash
echo started
