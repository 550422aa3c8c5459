//go:build !unix

package procs

import "syscall"

func childAttr() *syscall.SysProcAttr { return nil }
