package demo

import (
	"fmt"
	"strings"
)

func (t Table) fireHead() {
	fmt.Fprintf(t.Out, "   %-25s %4s %4s %4s %4s  %-10s %4s %6s %4s %5s  %s\n",
		"wave", "201", "202", "5xx", "wait", "breaker", "bank", "retry", "shed", "fall", "what happened")
}

func (t Table) fireRow(w wave, f Figures, wrong []string) {
	mark, what := t.paint(green, "ok"), w.told
	if len(wrong) > 0 {
		mark, what = t.paint(red, "NO"), "otherwise than told: "+strings.Join(wrong, "; ")
	}
	fmt.Fprintf(t.Out, "%s %-25s %4d %4d %4d %4d  %s %4d %6s %4d %5d  %s\n",
		mark, w.name, f.Paid+f.Settled, f.Accepted, f.TurnedAway, f.UnderWay, t.state(f.Breaker),
		f.Asked, fmt.Sprintf("%d/%d", f.Retries, f.Retries+f.OverBudget), f.Shed, f.Fallbacks, what)
}

func (t Table) fireFoot() {
	fmt.Fprintln(t.Out, `
All of it as told. 201: the bank has the money; 202: accepted without it; 5xx: turned away; wait: under way.
The column bank is what the bank has counted. The others are the console's: retry has those that were made, of
those that were due; shed the attempts that left their place to critical ones; fall how often the fallback was asked.`)
}
