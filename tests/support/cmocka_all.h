/* cmocka 1.1 wants these four before itself. */
#ifndef MQ_TESTS_CMOCKA_ALL_H
#define MQ_TESTS_CMOCKA_ALL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
