package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/cladgo/clad/test/bench"
	"github.com/cladgo/clad/test/bench/internal/measure"
	"github.com/cladgo/clad/test/bench/internal/results"
)

func (p *page) contention() {
	if len(p.r.Contention) == 0 {
		return
	}
	p.say("## Many goroutines\n\n" +
		"Calls that are made in the same time, in times of what one goroutine makes; all share one\n" +
		"pipeline, breaker and limiter. The first line, calls without any wrapper, shows what the machine\n" +
		"itself gives to many goroutines.\n\n")
	var rows [][]string
	for _, c := range p.r.Contention {
		line := []string{c.Title, systemOf(c), nanos(c.Nanos)}
		for _, n := range []int{2, 8, 64} {
			s, ok := c.Scale[n]
			if !ok {
				line = append(line, "-")
				continue
			}
			line = append(line, spread(s))
		}
		rows = append(rows, line)
	}
	p.table(2, []string{"policy", "library", "ns, one goroutine", "2", "8", "64"}, rows)
	for _, c := range p.r.Contention {
		if two, ok := c.Scale[2]; ok && c.Name == "none/no-wrapper" && two.Median < 1.5 {
			p.say("**The machine was busy: it gave two goroutines without a wrapper no more than %s of what one gets, so\n"+
				"these figures show that nothing collapses, and not how far it scales.**\n\n", figure(two.Median))
		}
	}
	p.say("What bounds it: calls through a closed breaker or a retry only read what they share, and count their\n" +
		"success in one number until goroutines meet there, then on cache lines of their own; there is nothing that\n" +
		"they wait for. A large limiter with tokens to spare lends some to shards where goroutines meet; a smaller one\n" +
		"is one number that all change, and so is a breaker with failures in a row: a cache line that goes from\n" +
		"processor to processor. A limiter that has run short, until its bucket is full again, and a breaker with a window that hears of a failure, take the mutex of\n" +
		"golang.org/x/time/rate and gobreaker. Timeouts and errors allocate, and the allocator is shared.\n\n")
}

func systemOf(c results.Contention) string {
	for _, s := range bench.Systems() {
		if c.IsOf(s) {
			return s.Name
		}
	}
	return "-"
}

func spread(s measure.Spread) string {
	return fmt.Sprintf("%s ± %s", figure(s.Median), figure(s.IQR()/2))
}

func (p *page) costs() {
	if len(p.r.Startup) > 0 {
		p.say("## Starting up\n\nEach service has a type and a constructor of its own, which does nothing, and is resolved. The tags\n" +
			"are all that differs: the untagged services too are started with an orchestrator, on dig in clad's\n" +
			"container. \"By hand\" are constructors that declare what a tag declares, a dependency on the policy by its\n" +
			"name and an error, and on Fx are annotated, so that errors can name them: what the engines themselves\n" +
			"take for that. On Fx no tag can go below it: fx.Annotate makes a dig container for each constructor, with\n" +
			"a random source of 5 KB to seed, and to look up two named values takes more than half as long as all else.\n" +
			"On dig, clad's container gives a tagged constructor what it needs, and dig looks up nothing more.\n\n")
		var rows [][]string
		for _, s := range p.r.Startup {
			rows = append(rows, []string{
				fmt.Sprintf("%d services on %s", s.Services, s.Engine), milliseconds(s.Untagged),
				milliseconds(s.ByHand), spread(s.ByHandRatio), milliseconds(s.Tagged), spread(s.Ratio),
			})
		}
		p.table(1, []string{"application", "untagged", "by hand", "ratio", "tagged", "ratio"}, rows)
	}
	if len(p.r.Memory) > 0 {
		p.say("## Memory at rest\n\n" +
			"Somewhat less than half of what a tagged service takes is the type of the function that Fx is given for its\n" +
			"constructor, which no program has at first, and how reflect calls it.\n\n")
		var rows [][]string
		for _, m := range p.r.Memory {
			rows = append(rows, []string{m.What, fmt.Sprint(m.Pipelines), fmt.Sprintf("%.0f", m.Bytes)})
		}
		p.table(1, []string{"pipeline of", "made", "bytes each"}, rows)
	}
	if s := p.r.Soak; s != nil {
		p.say("## Over many calls\n\n"+
			"%d calls on 4 goroutines, in every form, refused ones among them. The heap after each tenth of\n"+
			"them, in KiB: %s. Goroutines at the same moments: %v. The metrics count every call.\n\n",
			s.Calls, kibibytes(s.Heap), join(s.Goroutines))
	}
}

func milliseconds(s measure.Spread) string {
	return time.Duration(s.Median * float64(time.Second)).Round(100 * time.Microsecond).String()
}

func kibibytes(bytes []uint64) string {
	var all []string
	for _, b := range bytes {
		all = append(all, fmt.Sprintf("%.0f", float64(b)/1024))
	}
	return join(all)
}

func join[T any](all []T) string {
	var texts []string
	for _, v := range all {
		texts = append(texts, fmt.Sprint(v))
	}
	return strings.Join(texts, ", ")
}

func (p *page) goals() {
	goals := results.Goals(p.r)
	met := 0
	var rows [][]string
	for _, g := range goals {
		if g.Met() {
			met++
			continue
		}
		rows = append(rows, []string{g.What, fmt.Sprintf("%s %s", figure(g.Want), g.Unit), figure(g.Got)})
	}
	p.say("## Goals\n\n%d of %d goals are reached.", met, len(goals))
	if len(rows) == 0 {
		p.say("\n\n")
		return
	}
	p.say(" These are not:\n\n")
	p.table(1, []string{"what", "goal, at most", "measured"}, rows)
}

func (p *page) reading() {
	p.say(`## How it is measured

- All cases are measured in the same process, in %d rounds of short slices over all of them, in an
  order drawn anew for each round. Each slice is compared with calls of `+"`time.Now()`"+` right before and
  after it, so what slows the machine for a while slows both. What counts is the median over the
  rounds; ± is half the distance between the quartiles.
- What shares a core with the benchmark slows code down more than the clock, which mostly waits. So the
  pace of a plain loop is measured beside the clock too, and only the slices at its best pace count, or
  the best quarter of them.
- A slice is timed in nine pieces of which the median counts, so that a piece during which another
  process had the processor does not.
- The garbage collector runs between slices and not in them: its work is not in the times. The more a
  case allocates, the more it owes there; the bytes are in the tables.
- Every system protects the same target, is called through the same interface, with the same settings
  nested in the same order: retry, rate limit, circuit breaker, timeout. The caller's context can be
  cancelled, as that of a request can.
- Every case is verified on a gateway of its own before it is timed, and on the very gateway that was timed
  afterwards: the breaker trips, the limiter rejects, the target sees its deadline as far as the
  library gives it one, a failed attempt is repeated. clad's own metrics must have counted every call.
`, p.r.Rounds)
}
