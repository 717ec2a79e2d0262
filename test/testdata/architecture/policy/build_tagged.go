//go:build never

package policy

import "database/sql" // want "policy -> database/sql, which is infrastructure"
