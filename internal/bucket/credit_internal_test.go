package bucket

import (
	"testing"
	"time"

	"github.com/cladgo/clad/internal/clock"
)

// Where its numbers would become too coarse for a token within the second, a
// credit is not opened.
func TestWhatACreditCanCount(t *testing.T) {
	now := clock.Now()
	for _, tt := range []struct {
		name      string
		perSecond float64
		burst     int
		age       time.Duration
		fits      bool
	}{
		{"a new one", 1000, 100, 0, true},
		{"an old one of a low rate", 1000, 100, 365 * 24 * time.Hour, true},
		{"the largest burst", 1, mostTokens, 0, true},
		{"a larger one", 1, mostTokens + 1, 0, false},
		{"the highest rate", mostTokens, 1, 0, true},
		{"a higher one", mostTokens * 1.01, 1, 0, false},
		{"as old as can be", mostTokens / 16, 1, 15 * time.Second, true},
		{"over in less than a second", mostTokens / 16, 1, 15*time.Second + time.Millisecond, false},
		{"over", mostTokens, 1, time.Hour, false},
	} {
		if got := newCredit(now, Settings{PerSecond: tt.perSecond, Burst: tt.burst}).fits(now.Add(tt.age)); got != tt.fits {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.fits)
		}
	}
}
