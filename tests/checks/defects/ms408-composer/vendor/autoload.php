<?php return true;
