//go:build !unix

package cluster

import (
	"os"
	"syscall"
)

const supported = false

var sigStop, sigCont, sigStatus os.Signal

func childAttr() *syscall.SysProcAttr { return nil }
