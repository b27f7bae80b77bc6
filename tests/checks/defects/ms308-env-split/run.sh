#!/bin/env -S sh -e
echo started
