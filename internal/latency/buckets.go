package latency

import (
	"math/bits"
	"time"
)

// Durations are counted in buckets whose width grows with them: eight to each
// doubling, from 16µs to about two minutes, as in HdrHistogram (Tene, 2012). So an
// estimate is at most an eighth too high, and never too low within these bounds.
const (
	firstBits = 14 // below 1<<14 ns there is one bucket
	lastBits  = 37
	perBits   = 8

	// Buckets is how many there are.
	Buckets = 1 + (lastBits-firstBits)*perBits
)

// Bucket is the one that a duration is counted in.
func Bucket(d time.Duration) int {
	b := bits.Len64(uint64(max(d, 0))) - 1
	switch {
	case b < firstBits:
		return 0
	case b >= lastBits:
		return Buckets - 1
	}
	return 1 + (b-firstBits)*perBits + int(d>>(b-3))&(perBits-1)
}

// Upper is what the durations of a bucket are below.
func Upper(bucket int) time.Duration {
	if bucket == 0 {
		return 1 << firstBits
	}
	b := firstBits + (bucket-1)/perBits
	return 1<<b + time.Duration((bucket-1)%perBits+1)<<(b-3)
}
