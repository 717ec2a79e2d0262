package helper

import "time"

func rest() { time.Sleep(time.Second) } // found
