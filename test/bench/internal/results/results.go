// Package results holds what a run measured, and judges it by the goals.
package results

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/cladgo/clad/test/bench"
	"github.com/cladgo/clad/test/bench/internal/measure"
	"github.com/cladgo/clad/test/bench/internal/where"
)

// Results are those of one run. What was not measured is empty.
type Results struct {
	Machine    Machine          `json:"machine"`
	Rounds     int              `json:"rounds"`
	Clock      measure.Spread   `json:"clock"` // time.Now, in nanoseconds
	Cases      []Case           `json:"cases"`
	Profiles   []Profile        `json:"profiles,omitempty"`
	Contention []Contention     `json:"contention,omitempty"`
	Startup    []Startup        `json:"startup,omitempty"`
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
	Time   measure.Spread `json:"time"`  // in nanoseconds
	Allocs float64        `json:"allocs"`
	Bytes  float64        `json:"bytes"`
	// Pace is what a step of plain code took meanwhile, in calls of time.Now.
	Pace float64 `json:"pace,omitempty"`
	// Drift is how much slower than in the baseline others' code was meanwhile.
	Drift float64 `json:"drift,omitempty"`
}

// Contention is the throughput of a number of goroutines, in times that of one.
type Contention struct {
	Name  string                 `json:"name"`
	Title string                 `json:"title"`
	Nanos float64                `json:"nanos"` // of one goroutine
	Scale map[int]measure.Spread `json:"scale"` // by number of goroutines
}

// Profile is what the time of a row's calls through clad's proxy went to.
type Profile struct {
	Row   string       `json:"row"`
	Parts []where.Part `json:"parts"`
}

// IsOf reports whether the contention was measured on a system.
func (c Contention) IsOf(s bench.System) bool { return strings.HasSuffix(c.Name, "/"+s.ID()) }

// Startup is how long an application takes to start.
type Startup struct {
	Engine   string         `json:"engine"`
	Services int            `json:"services"`
	Untagged measure.Spread `json:"untagged"` // in seconds
	ByHand   measure.Spread `json:"by_hand"`
	Tagged   measure.Spread `json:"tagged"`
	// Ratios are of two starts, one right after the other.
	Ratio       measure.Spread `json:"ratio"`         // of tagged and untagged
	ByHandRatio measure.Spread `json:"by_hand_ratio"` // of by hand and untagged
}

// NewCase sums up the series of a case.
func NewCase(row string, system bench.System, s *measure.Series) Case {
	return Case{
		ID: s.ID, Row: row, System: system.Name, Form: system.Form,
		Ratio: s.Ratio(), Time: s.Time(),
		Allocs: s.Allocs, Bytes: s.Bytes, Pace: s.Pace(),
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

// Merge puts cases in the place of those that bear their ids, or adds them.
func (r *Results) Merge(cases []Case) {
	for _, c := range cases {
		if i := slices.IndexFunc(r.Cases, func(old Case) bool { return old.ID == c.ID }); i >= 0 {
			r.Cases[i] = c
		} else {
			r.Cases = append(r.Cases, c)
		}
	}
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
