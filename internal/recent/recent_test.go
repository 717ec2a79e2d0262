package recent_test

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/cladgo/clad/internal/recent"
)

// model is a slow and obvious Values.
type model struct {
	most  int
	worth func(int) recent.Worth
	ticks int
	all   []*kept
}

type kept struct{ key, value, put, used int }

func (m *model) find(key int) *kept {
	if i := slices.IndexFunc(m.all, func(k *kept) bool { return k.key == key }); i >= 0 {
		return m.all[i]
	}
	return nil
}

func (m *model) get(key int) (int, bool) {
	k := m.find(key)
	if k == nil {
		return 0, false
	}
	k.used = m.ticks
	return k.value, true
}

func (m *model) put(key, value int) (dropped []int) {
	if k := m.find(key); k != nil {
		k.value, k.used = value, m.ticks
		return nil
	}
	for len(dropped) < 2 && len(m.all) >= m.most {
		choice := m.choose()
		if choice == nil {
			break
		}
		dropped = append(dropped, choice.value)
		m.all = slices.DeleteFunc(m.all, func(k *kept) bool { return k == choice })
	}
	m.ticks++
	m.all = append(m.all, &kept{key, value, m.ticks, m.ticks})
	return dropped
}

func (m *model) choose() (spared *kept) {
	slices.SortFunc(m.all, func(a, b *kept) int { return cmp.Or(a.used-b.used, a.put-b.put) })
	for _, k := range m.all[:min(16, len(m.all))] {
		switch m.worth(k.value) {
		case recent.Nothing:
			return k
		case recent.Something:
			if spared == nil {
				spared = k
			}
		case recent.Everything:
			m.ticks++
			k.used = m.ticks
		}
	}
	return spared
}

func TestValuesAreThoseOfTheModel(t *testing.T) {
	for seed := range uint64(15) {
		random := rand.New(rand.NewPCG(seed, 1))
		worth := func(v int) recent.Worth { return recent.Worth(max(0, v%int(2+seed%30)-int(seed%30)+1)) }
		most := 1 + random.IntN(150)
		v, m := recent.New[int](most, worth), &model{most: most, worth: worth}
		for range 2000 {
			key := random.IntN(200)
			if random.IntN(2) == 0 {
				got, ok := v.Get(key)
				if want, wanted := m.get(key); got != want || ok != wanted {
					t.Fatalf("seed %d: Get(%d) is %v, %v, want %v, %v", seed, key, got, ok, want, wanted)
				}
				continue
			}
			value := random.IntN(100)
			if got, want := v.Put(key, value), m.put(key, value); !slices.Equal(got, want) {
				t.Fatalf("seed %d: Put(%d) dropped %v, want %v", seed, key, got, want)
			}
			if v.Len() != len(m.all) {
				t.Fatalf("seed %d: %d values, want %d", seed, v.Len(), len(m.all))
			}
		}
		var keys, want []int
		v.Each(func(key, _ int) { keys = append(keys, key) })
		for _, k := range m.all {
			want = append(want, k.key)
		}
		slices.Sort(keys)
		slices.Sort(want)
		if !slices.Equal(keys, want) {
			t.Fatalf("seed %d: there are %v, want %v", seed, keys, want)
		}
	}
}

// What may be forgotten never exceeds the bound, and what must stay is never forgotten.
func TestWhatMustStayStays(t *testing.T) {
	v := recent.New[int](100, func(v int) recent.Worth {
		if v < 150 {
			return recent.Everything
		}
		return recent.Nothing
	})
	for i := range 10_000 {
		v.Put(i, i)
	}
	for i := range 150 {
		if _, ok := v.Get(i); !ok {
			t.Fatalf("%d was forgotten", i)
		}
	}
	if n := v.Len(); n > 150+100 {
		t.Errorf("%d values, 150 of which must stay", n)
	}
}

func TestValuesAreReadWhileTheyChange(t *testing.T) {
	v := recent.New[int, int](50, nil)
	v.Put(-1, -1)
	stop := make(chan struct{})
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				for key := range 100 {
					if got, ok := v.Get(key); ok && got != key {
						t.Errorf("Get(%d) is %d", key, got)
					}
				}
			}
		})
	}
	for i := range 20_000 {
		v.Put(i%100, i%100)
	}
	close(stop)
	all.Wait()
	if v.Len() != 50 {
		t.Errorf("%d values", v.Len())
	}
}
