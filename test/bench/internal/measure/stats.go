package measure

import (
	"math"
	"slices"
)

// Spread sums up samples of which some were disturbed: by the median and the
// quartiles, which a few outliers do not move.
type Spread struct {
	Median float64 `json:"median"`
	Q1     float64 `json:"q1"`
	Q3     float64 `json:"q3"`
	N      int     `json:"n"`
}

// SpreadOf sums up samples. They may be in any order.
func SpreadOf(samples []float64) Spread {
	sorted := slices.Sorted(slices.Values(samples))
	return Spread{quantile(sorted, 0.5), quantile(sorted, 0.25), quantile(sorted, 0.75), len(sorted)}
}

// quantile interpolates between the two nearest of sorted samples.
func quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	at := q * float64(len(sorted)-1)
	i := int(at)
	if i+1 == len(sorted) {
		return sorted[i]
	}
	return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
}

// IQR is the width of the middle half.
func (s Spread) IQR() float64 { return s.Q3 - s.Q1 }

// StandardError estimates how far the median of this many samples is from that
// of infinitely many: that of a normal distribution with the same quartiles.
func (s Spread) StandardError() float64 {
	const (
		iqrOfNormal    = 1.349 // in standard deviations
		medianOverMean = 1.2533
	)
	return medianOverMean * s.IQR() / iqrOfNormal / math.Sqrt(float64(max(s.N, 1)))
}
