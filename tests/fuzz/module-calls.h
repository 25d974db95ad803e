/* One call of the module's function list. */
#pragma once

#include "tests/fuzz/module-input.h"

/* Makes the call that the next byte of the input names, with arguments of the bytes after it. Only
 * CKR_FUNCTION_NOT_SUPPORTED of what is not served is looked at: aborts if it is another. */
void module_call_next(Fuzz *fuzz);
