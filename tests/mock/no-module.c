/* A shared object that is no PKCS#11 module. */
int privyseal_test_is_no_module(void);

__attribute__((visibility("default"))) int
privyseal_test_is_no_module(void)
{
    return 1;
}
