//go:build !unix

package cluster

import "os"

const supported = false

var sigStop, sigCont, sigStatus os.Signal
