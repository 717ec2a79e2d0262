package cladotel

import (
	"context"
	"math"
	"math/bits"
	"slices"
	"sync/atomic"
	"time"

	"github.com/cladgo/clad/container/cladotel/internal/metrics"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"
)

// durations are those of one series of a histogram that were not recorded yet. To
// record one takes the SDK up to 130 ns, to keep it here takes 10; so they are kept,
// and recorded when somebody collects.
//
// They are kept in cells, narrower than the histogram's buckets and none across two
// of them, each with how many there were and what they came to. So counts, buckets
// and sums are exact. Where a view has other buckets, a duration may come to be next
// to the right one: a cell is as wide as a quarter of its durations at most.
//
// What is part of a sampled trace is recorded at once, for the exemplar.
type durations struct {
	histogram metric.Float64Histogram
	with      []metric.RecordOption
	cells     atomic.Pointer[[]cell]
}

// cell counts durations: how many in the upper bits, and below the sum of what each
// is above the cell's edge.
type cell struct{ atomic.Uint64 }

const (
	sumBits = 47
	most    = 1 << 16 // in a cell, lest the next to collect waits for long
)

func (d *durations) record(ctx context.Context, took time.Duration) {
	if !trace.SpanContextFromContext(ctx).IsSampled() && d.keep(took) {
		return
	}
	d.histogram.Record(ctx, took.Seconds(), d.with...)
}

// keep reports whether there was room.
func (d *durations) keep(took time.Duration) bool {
	n := cellOf(took)
	if n < 0 {
		return false
	}
	cells := d.cells.Load()
	if cells == nil {
		made := make([]cell, len(edges)-1)
		d.cells.CompareAndSwap(nil, &made)
		cells = d.cells.Load()
	}
	c := &(*cells)[n]
	if c.Load()>>sumBits >= most {
		return false
	}
	c.Add(1<<sumBits + uint64(took-edges[n])>>coarse[n])
	return true
}

// flush records what was kept.
func (d *durations) flush() {
	cells := d.cells.Load()
	if cells == nil {
		return
	}
	for n := range *cells {
		kept := (*cells)[n].Swap(0)
		count := kept >> sumBits
		if count == 0 {
			continue
		}
		above := kept & (1<<sumBits - 1) << coarse[n]
		mean := edges[n].Seconds() + float64(above)/float64(count)/1e9
		for range count {
			d.histogram.Record(context.Background(), mean, d.with...)
		}
	}
}

// The cells: four to each doubling from 1µs to above a minute, and cut where a
// bucket of the histogram ends. That belongs to what is below it, as OpenTelemetry
// has it; so an edge is the first duration of its cell.
const (
	firstBits = 10 // below 1<<10 ns there is one cell
	lastBits  = 36
	perBits   = 4
)

var (
	edges, firstCell = makeCells()
	coarse           = coarseness()
)

// coarseness is by how many bits what is above an edge is cut, in each cell, so that
// the sum of the most fits: in cells as wide as a second and more.
func coarseness() []uint8 {
	cuts := make([]uint8, len(edges)-1)
	for n := range cuts {
		cuts[n] = uint8(max(0, bits.Len64(uint64(edges[n+1]-edges[n]))-30))
	}
	return cuts
}

// makeCells returns the edges of all cells, and for each quarter of a doubling the
// first of its cells, of which there are two at most.
func makeCells() (edges []time.Duration, first [(lastBits - firstBits) * perBits]uint8) {
	edges = []time.Duration{0}
	for b := firstBits; b < lastBits; b++ {
		for quarter := range time.Duration(perBits) {
			edges = append(edges, 1<<b+quarter<<(b-2))
		}
	}
	edges = append(edges, 1<<lastBits)
	for _, boundary := range metrics.Boundaries {
		edges = append(edges, time.Duration(math.Round(boundary*1e9))+1)
	}
	slices.Sort(edges)
	edges = slices.Compact(edges)
	for n, edge := range edges {
		if quarter := quarterOf(edge); quarter >= 0 && quarter < len(first) && edge == quarterEdge(quarter) {
			first[quarter] = uint8(n)
		}
	}
	return edges, first
}

// quarterOf numbers the quarters of doublings; it is negative below the first.
func quarterOf(d time.Duration) int {
	b := bits.Len64(uint64(d)) - 1
	if b < firstBits {
		return -1
	}
	return (b-firstBits)*perBits + int(d>>(b-2))&(perBits-1)
}

func quarterEdge(quarter int) time.Duration {
	b := firstBits + quarter/perBits
	return 1<<b + time.Duration(quarter%perBits)<<(b-2)
}

// cellOf returns the cell of a duration, or -1 where that is too long for any.
func cellOf(d time.Duration) int {
	if d < 0 {
		return -1
	}
	quarter := quarterOf(d)
	if quarter < 0 {
		return 0
	}
	if quarter >= len(firstCell) {
		return -1
	}
	n := int(firstCell[quarter])
	if d >= edges[n+1] {
		n++
	}
	return n
}
