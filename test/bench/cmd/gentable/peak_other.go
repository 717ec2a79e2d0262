//go:build !linux

package main

import "os"

func peakOf(*os.ProcessState) int64 { return 0 } // is told in other units, or not at all
