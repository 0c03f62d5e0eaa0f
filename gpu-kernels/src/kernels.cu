// Every kernel, as one unit of translation.
#include "transform/kernel.cu"
#include "multiply_accumulate/kernel.cu"
#include "add_packed/kernel.cu"
#include "inner_product/kernel.cu"
#include "masking/kernel.cu"
#include "adjoint/kernel.cu"
#include "project/kernel.cu"
#include "fold_rows/kernel.cu"
