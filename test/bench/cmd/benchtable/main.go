package main

import (
	"context"
	"fmt"
	"time"

	"github.com/cladgo/clad/test/bench"
	"github.com/cladgo/clad/test/bench/internal/measure"
)

func main() {
	all, err := bench.Contend(context.Background())
	if err != nil {
		panic(err)
	}
	var subs []measure.Subject
	gs := []int{1, 2, 8, 64}
	for _, c := range all {
		for _, g := range gs {
			subs = append(subs, c.Join(g))
		}
	}
	ser, err := measure.Plan{Rounds: 9, Slice: 18 * time.Millisecond}.Measure(context.Background(), subs)
	if err != nil {
		panic(err)
	}
	for i, c := range all {
		fmt.Printf("%-30s", c.Name)
		one := measure.SpreadOf(ser[4*i].Nanos)
		fmt.Printf(" %7.1fns ", one.Median)
		var calls uint64
		for j := range gs {
			s := ser[4*i+j]
			calls += s.Calls
			if j > 0 {
				var r []float64
				for k := range s.Nanos {
					r = append(r, ser[4*i].Nanos[k]/s.Nanos[k])
				}
				sp := measure.SpreadOf(r)
				fmt.Printf("  x%d: %.2f (%.2f..%.2f)", gs[j], sp.Median, sp.Q1, sp.Q3)
			}
		}
		fmt.Println()
		if err := c.Close(calls); err != nil {
			fmt.Println("   ", err)
		}
	}
}
