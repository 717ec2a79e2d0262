package container

// Part returns the Methods of one part of the dependency, a node of a cluster, say:
// under the same choices, and with unnamed breakers, limiters and bulkheads of its own, which
// bear the part's name after the service's: "redis.ClusterClient/10.0.0.7:6379". Its
// operations are the whole's. A part is to be asked for once, and there should be no
// more of them than the dependency has.
func (m Methods) Part(name string) Methods {
	whole := m.service
	s := &service{identity: whole.identity, tagged: whole.tagged, o: whole.o, owner: newOwner(whole.id + "/" + name), part: true}
	err := s.o.transact(func(tx *transaction) (err error) {
		if s.twin, err = s.o.shadow.mirror(s); err != nil {
			return err
		}
		tx.settle(s)
		tx.onCommit(func() { s.o.services.all = append(s.o.services.all, s) })
		return tx.bindNames(s)
	})
	if err != nil {
		// Everything was checked when the whole was made known.
		panic("container: " + whole.id + "/" + name + ": " + err.Error())
	}
	return Methods{s}
}
