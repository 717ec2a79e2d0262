package container

// Proxied is embedded by a proxy, so that [Unwrap] finds what it stands for.
// Generated proxies have it; a hand-written one may.
type Proxied struct {
	// Value is what the proxy calls.
	Value any
}

func (p Proxied) behind() any { return p.Value }

// Unwrap returns the value behind a proxy, bare of any policy, or v itself where
// it is no proxy or what is behind it is no T. It is for what a proxy cannot
// offer, such as the value's own type:
//
//	stripe, ok := container.Unwrap(gateway).(*stripe.Gateway)
//
// Calls of what it returns are not guarded. Better than to unwrap is to have the
// proxy offer an interface, see [Keep].
func Unwrap[T any](v T) T {
	bare, behind := v, any(v)
	for {
		proxy, ok := behind.(interface{ behind() any })
		if !ok {
			return bare
		}
		behind = proxy.behind()
		if t, ok := behind.(T); ok {
			bare = t
		}
	}
}
