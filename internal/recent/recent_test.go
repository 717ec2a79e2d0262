package recent_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cladgo/clad/internal/recent"
)

// model is a slow and obvious Values: a list, the one used last at its end.
type model struct {
	most int
	idle func(int) bool
	all  [][2]int
}

func (m *model) find(key int) int {
	return slices.IndexFunc(m.all, func(e [2]int) bool { return e[0] == key })
}

func (m *model) get(key int) (int, bool) {
	i := m.find(key)
	if i < 0 {
		return 0, false
	}
	e := m.all[i]
	m.all = append(slices.Delete(m.all, i, i+1), e)
	return e[1], true
}

func (m *model) put(key, value int) (int, bool) {
	dropped, full := 0, false
	if i := m.find(key); i >= 0 {
		m.all = slices.Delete(m.all, i, i+1)
	} else if len(m.all) == m.most {
		at := max(0, slices.IndexFunc(m.all[:min(16, len(m.all))], func(e [2]int) bool { return m.idle(e[1]) }))
		dropped, full = m.all[at][1], true
		m.all = slices.Delete(m.all, at, at+1)
	}
	m.all = append(m.all, [2]int{key, value})
	return dropped, full
}

func TestValuesAreThoseOfTheModel(t *testing.T) {
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 1))
		idle := func(v int) bool { return v%3 == 0 }
		most := 1 + random.IntN(40)
		v, m := recent.New[int](most, idle), &model{most: most, idle: idle}
		for range 2000 {
			key := random.IntN(60)
			if random.IntN(2) == 0 {
				got, ok := v.Get(key)
				if want, wanted := m.get(key); got != want || ok != wanted {
					t.Fatalf("seed %d: Get(%d) is %v, %v, want %v, %v", seed, key, got, ok, want, wanted)
				}
				continue
			}
			value := random.IntN(100)
			got, full := v.Put(key, value)
			if want, wanted := m.put(key, value); got != want || full != wanted {
				t.Fatalf("seed %d: Put(%d) dropped %v, %v, want %v, %v", seed, key, got, full, want, wanted)
			}
			if v.Len() != len(m.all) || v.Len() > most {
				t.Fatalf("seed %d: %d values, want %d and at most %d", seed, v.Len(), len(m.all), most)
			}
		}
		var keys []int
		v.Each(func(key, _ int) { keys = append(keys, key) })
		slices.Reverse(keys)
		for i, e := range m.all {
			if keys[i] != e[0] {
				t.Fatalf("seed %d: in the order %v, want that of %v", seed, keys, m.all)
			}
		}
	}
}
