// Package results holds what a run measured, and judges it by the goals.
package results

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/cladgo/clad/test/bench"
	"github.com/cladgo/clad/test/bench/internal/measure"
)

// Results are those of one run. What was not measured is empty.
type Results struct {
	Machine    Machine          `json:"machine"`
	Clock      measure.Spread   `json:"clock"` // time.Now, in nanoseconds
	Cases      []Case           `json:"cases"`
	Contention []Contention     `json:"contention,omitempty"`
	Startup    []bench.Startup  `json:"startup,omitempty"`
	Memory     []bench.Memory   `json:"memory,omitempty"`
	Soak       *bench.SoakTrack `json:"soak,omitempty"`
}

// Case is what was measured of a [bench.Case].
type Case struct {
	ID     string         `json:"id"`
	Row    string         `json:"row"`
	System string         `json:"system"`
	Form   string         `json:"form,omitempty"`
	Ratio  measure.Spread `json:"ratio"` // in calls of time.Now
	Nanos  float64        `json:"nanos"` // the median
	Allocs float64        `json:"allocs"`
	Bytes  float64        `json:"bytes"`
}

// Contention is the throughput of a number of goroutines, in times that of one.
type Contention struct {
	Name  string                 `json:"name"`
	Title string                 `json:"title"`
	Nanos float64                `json:"nanos"` // of one goroutine
	Scale map[int]measure.Spread `json:"scale"` // by number of goroutines
}

// NewCase joins a case and its series.
func NewCase(c bench.Case, s *measure.Series) Case {
	return Case{
		ID: c.ID(), Row: c.Row.Name, System: c.System.Name, Form: c.System.Form,
		Ratio: s.Ratio(), Nanos: measure.SpreadOf(s.Nanos).Median,
		Allocs: s.Allocs, Bytes: s.Bytes,
	}
}

// Case finds a case by its id.
func (r *Results) Case(id string) (Case, bool) {
	for _, c := range r.Cases {
		if c.ID == id {
			return c, true
		}
	}
	return Case{}, false
}

// Write encodes the results, and Read decodes them.
func (r *Results) Write(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "\t")
	return e.Encode(r)
}

// Read decodes what Write has written.
func Read(r io.Reader) (*Results, error) {
	var results Results
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	if err := d.Decode(&results); err != nil {
		return nil, fmt.Errorf("reading results: %w", err)
	}
	return &results, nil
}
