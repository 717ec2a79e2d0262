// Package container carries policies out: its [Orchestrator] turns them into
// pipelines and holds their state, and [Tag] has the results of constructors come
// out of Fx, or of the package's own dig [Container], wrapped in them.
//
//	fx.New(
//		module.New(),
//		fx.Provide(
//			container.Tag(stripe.NewGateway, "external_api"), // payments.Gateway, wrapped
//			container.Tag(ledger.Open, "database"),           // ledger.Store, wrapped
//			payments.NewService,                              // takes both, knows nothing of it
//		),
//	)
//
// A [Pipeline] is a policy compiled into steps, and a [Call] is one operation on
// its way through them; generated proxies are written against these two. Each
// kind of layer has a file of its own: retry_layer.go, breaker_layer.go,
// limiter_layer.go, bulkhead_layer.go, timeout_layer.go.
package container
