package helper

import "testing/synctest"

func virtual() { synctest.Test(nil, nil) }
