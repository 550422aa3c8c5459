//go:build !linux

package machine

import "syscall"

// ChildAttr returns nothing special: children outlive this process if it is killed.
func ChildAttr() *syscall.SysProcAttr { return nil }
