package module

import "github.com/cladgo/clad/container/console"

// Console has a console say which profile is in force, where each of its values comes
// from, and how the last reload ended:
//
//	fx.Provide(func(o *container.Orchestrator, r *module.Reloader) http.Handler {
//		return console.Handler(o, module.Console(r))
//	})
func Console(r *Reloader) console.Option {
	return console.WithProfile(func() console.Profile { return r.shown() })
}

func (r *Reloader) shown() console.Profile {
	r.mu.Lock()
	status, loaded := r.status, r.loaded
	r.mu.Unlock()
	p := console.Profile{ProfileStatus: console.ProfileStatus{Name: status.Profile, LoadedAt: status.LastSuccess}}
	if status.Err != nil {
		p.Error = status.Err.Error()
	}
	if loaded == nil {
		return p // the console shows what the orchestrator has
	}
	for _, s := range loaded.Settings() {
		p.Settings = append(p.Settings, console.Setting{Path: s.Path, Value: s.String(), Origin: s.Origin.String()})
	}
	return p
}
