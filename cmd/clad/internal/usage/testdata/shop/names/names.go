// Package names holds names that others share.
package names

// The policies.
const (
	Database = "data" + "base"
	Once     = Database + "_once"
)
